import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  resolve: { tsconfigPaths: true },
  build: { target: 'es2023', modulePreload: false, chunkSizeWarningLimit: 5000 },
  worker: { format: 'es' },
})
