import { open } from 'node:fs/promises';

/**
 * Makes durable which files a folder has, and under which names. What is in them is made so by whoever writes them.
 *
 * @throws the system's error
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
