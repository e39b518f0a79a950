// Modules that assets.config.ts makes of the browser code.

interface BrowserAsset {
  /** Changes with the content. */
  hash: string;
  type: string;
  body: string;
}

declare module 'virtual:phospho-widget' {
  const assets: { 'widget.js': BrowserAsset };
  export default assets;
}

declare module 'virtual:phospho-dashboard' {
  const assets: Record<string, BrowserAsset>;
  export default assets;
}
