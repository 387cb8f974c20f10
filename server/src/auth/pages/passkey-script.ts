/**
 * The only script of the pages: it asks the browser for a passkey and puts the answer into the form, which is then sent as
 * any other. Forms with `data-passkey` (create or get) are hidden until it runs where passkeys can be used.
 */
export const PASSKEY_SCRIPT = `
'use strict';
(() => {
  if (!window.PublicKeyCredential || !window.isSecureContext) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '');
  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
  const create = async (options) => {
    const made = await navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: known(options.excludeCredentials) } });
    const answer = made.response;
    return { id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(),
      response: { clientDataJSON: text(answer.clientDataJSON), attestationObject: text(answer.attestationObject),
        transports: answer.getTransports ? answer.getTransports() : [] } };
  };
  const get = async (options) => {
    const found = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials) } });
    const answer = found.response;
    return { id: found.id, rawId: text(found.rawId), type: found.type, clientExtensionResults: found.getClientExtensionResults(),
      response: { clientDataJSON: text(answer.clientDataJSON), authenticatorData: text(answer.authenticatorData),
        signature: text(answer.signature), userHandle: answer.userHandle ? text(answer.userHandle) : undefined } };
  };
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      const field = form.querySelector('input[name=credential]');
      if (field.value) return;
      event.preventDefault();
      const problem = form.querySelector('[data-problem]');
      problem.hidden = true;
      try {
        const options = JSON.parse(form.dataset.options);
        field.value = JSON.stringify(await (form.dataset.passkey === 'create' ? create(options) : get(options)));
        form.submit();
      } catch {
        problem.hidden = false;
        problem.focus();
      }
    });
  }
})();
`.trim();
