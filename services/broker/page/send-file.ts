/** How far an upload is. */
export type Progress =
  | { readonly phase: 'sending'; readonly sent: number; readonly size: number }
  /** All is sent; the gateway spreads it over the servers. */
  | { readonly phase: 'storing' };

/** An upload at work. */
export interface Sending {
  /** The capability; rejects with an Error whose message is for people. */
  readonly capability: Promise<string>;
  cancel(): void;
}

/** Sends a file to the gateway (`PUT /uri`). XMLHttpRequest, because fetch tells no progress of what it sends. */
export function sendFile(file: File, onProgress: (progress: Progress) => void): Sending {
  const request = new XMLHttpRequest();
  const capability = new Promise<string>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) =>
      onProgress({ phase: 'sending', sent: loaded, size: total });
    request.upload.onload = () => onProgress({ phase: 'storing' });
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.responseText.trim());
      else reject(new Error(request.responseText.trim() || `The gateway answered ${request.status}.`));
    };
    request.onerror = () => reject(new Error('The gateway cannot be reached, or broke off.'));
    request.onabort = () => reject(new Error('Cancelled.'));
  });
  request.open('PUT', '/uri');
  request.send(file);
  return { capability, cancel: () => request.abort() };
}
