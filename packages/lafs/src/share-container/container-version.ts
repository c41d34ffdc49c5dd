/** Versions of the container. */
export type ContainerVersion = 1 | 2;

/** The container that is written; 1.20 reads and writes it, and releases before 1.17 read only version 1. */
export const newestContainerVersion: ContainerVersion = 2;
