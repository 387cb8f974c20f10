import { beginLaunch } from './launch.ts';
import type { AppSettings } from './settings.ts';

/** For `launch.html`: begins to sign in; says why when that does not work. The text is the browser's or the server's own. */
export async function startLaunch(settings: AppSettings): Promise<void> {
  try {
    await beginLaunch(settings);
  } catch (error) {
    const text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.textContent = (error as Error).message;
    const back = document.createElement('a');
    back.href = `/apps/${settings.name}/`;
    back.textContent = '↩ Vesta';
    document.querySelector('main')?.replaceChildren(text, back);
  }
}
