/**
 * The kinds' types, the resources they are served at, and the report. The schemas that the types come from stand in
 * `@open-cluster-management/api-types/schemas`: 9 MB, which a program that parses none of the kinds does not load.
 */
export { durationMs } from './duration.ts';
export { parseReport, type Report, type ReportCounts, type ReportError, reportBounds } from './report.ts';
export * from './resources.ts';
export type * from './schemas.ts';
