/*
 * What a server says of its future: an extension of ours, told of in docs/protocol.md. It is announced too; but not
 * every server is, and not everybody hears it.
 */

/** The header of the version answer by which a server says that it is in a state of its own. */
export const serverStateHeader = 'Holdfast-State';

/** Its operator is taking it away: it can be read from, and takes no new shares. */
export const leavingState = 'leaving';
