// Modules that assets.config.ts makes of the browser code.

interface BrowserAsset {
  /** Changes with the content. */
  hash: string;
  type: string;
  body: string;
}

/** An asset that is kept, and mostly sent, compressed. */
type ZippedAsset = Omit<BrowserAsset, 'body'> & {
  /** Gzip, in base64. */
  zipped: string;
};

declare module 'virtual:phospho-widget' {
  const assets: { 'widget.js': BrowserAsset };
  export default assets;
}

declare module 'virtual:phospho-dashboard' {
  const assets: Record<string, ZippedAsset>;
  export default assets;
}
