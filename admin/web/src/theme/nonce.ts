/** The nonce that style elements need under the content security policy. The server writes it into the page; in development it is empty. */
export function styleNonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '';
}
