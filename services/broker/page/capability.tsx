import { useEffect, useRef, useState } from 'preact/hooks';

/** A stored file's capability, to copy and to open. */
export function Capability({ capability, name }: { capability: string; name: string }) {
  const text = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);

  const copy = async () => setCopied(await copyText(capability, text.current));
  const link = `/file/${encodeURIComponent(capability)}/@@named=/${encodeURIComponent(name)}`;
  return (
    <div>
      <p class="quiet">
        Stored. Whoever has this capability can read the file, and nobody else can: keep it.
      </p>
      <code class="capability" ref={text}>
        {capability}
      </code>
      <div class="buttons">
        <button type="button" onClick={copy}>
          {copied ? 'Copied' : 'Copy'}
        </button>
        <a class="button second" href={link} target="_blank" rel="noreferrer">
          Open
        </a>
        <a class="button second" href={`${link}?save=true`}>
          Download
        </a>
      </div>
      <span class="unseen" role="status">
        {copied ? 'The capability is in the clipboard.' : ''}
      </span>
    </div>
  );
}

/** Copies, or where the browser does not let a page do so (plain HTTP from another machine), selects to copy by hand. */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown) getSelection()?.selectAllChildren(shown);
    return document.execCommand('copy');
  }
}
