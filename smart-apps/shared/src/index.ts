/* What apps are made of. Everything an app needs of the kit it takes from here; `launch.html` from `@vesta/app-kit/launch`. */
export { type Bar, BarChart } from './charts/bar-chart.tsx';
export {
  type ChartPoint,
  type ChartSeries,
  LineChart,
  type LineChartProps,
} from './charts/line-chart.tsx';
export {
  FhirApi,
  nextOf,
  queryOf,
  type RequestOptions,
  resourcesOf,
  type SearchParameters,
} from './fhir/api.ts';
export { asRequestError, FhirRequestError } from './fhir/errors.ts';
export {
  type OperationCall,
  type QueryOptions,
  useAsk,
  useChange,
  useOperation,
  useRead,
  useRefresh,
  useSave,
  useSearch,
  useSearchAll,
  useSearchPages,
} from './fhir/hooks.ts';
export type * from './fhir/resources.ts';
export type * from './fhir/types.ts';
export * from './format/dates.ts';
export * from './format/values.ts';
export {
  type Say,
  type SentenceLoaders,
  type Sentences,
  textHook,
  useLanguage,
  useOwnText,
} from './i18n/context.tsx';
export { directionOf, fill, LANGUAGES, type Language } from './i18n/language.ts';
export { useOnline } from './offline/online.ts';
export { keepsSeen, setKeepsSeen } from './offline/seen.ts';
export { type SessionValue, useSession } from './session/context.tsx';
export { type Launch, type LaunchContext, launchAddress, makeLaunch } from './session/make-launch.ts';
export { mayDo } from './session/scopes.ts';
export { issuerOf, managementPage, type Session } from './session/session.ts';
export type { AppSettings } from './session/settings.ts';
export { type StartOptions, startApp } from './session/start.tsx';
export { Button, type ButtonLook, type ButtonProps, Buttons, Link, type LinkProps } from './ui/button.tsx';
export { ComboField, type ComboFieldProps, type SuggestedOption } from './ui/combo-box.tsx';
export { Dialog, type DialogProps } from './ui/dialog.tsx';
export {
  Checkbox,
  type CheckboxProps,
  type FieldProps,
  type Option,
  RadioButtons,
  Select,
  type SelectProps,
  TextField,
  type TextFieldProps,
} from './ui/fields.tsx';
export { focusFirstError } from './ui/focus.ts';
export {
  Badge,
  Card,
  CardList,
  type CardProps,
  DataTable,
  type DataTableProps,
  Facts,
  type TableColumn,
  type Tone,
} from './ui/lists.tsx';
export { LanguageChoice, type NavigationItem, Page, Section, Shell, type ShellProps } from './ui/shell.tsx';
export {
  BrokenBoundary,
  Empty,
  ErrorNotice,
  Found,
  Loaded,
  type LoadedProps,
  Loading,
  Notice,
  type NoticeTone,
  useErrorText,
} from './ui/states.tsx';
export { type TabItem, Tabs, type TabsProps } from './ui/tabs.tsx';
export { type Tell, useTell } from './ui/toasts.tsx';
