/** The decorated classes, as either folder compiles them. */
export type Subjects = typeof import('../standard/subjects.ts');
