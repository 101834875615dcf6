/**
 * Makes an intersection read as one object in editors and error messages.
 */
export type Flat<T> = { [N in keyof T]: T[N] } & {};
