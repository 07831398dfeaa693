import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './theme/tokens.css';

import { setNonce } from 'get-nonce';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { styleNonce } from './theme/nonce';

// The policy allows no style element without the nonce of this answer; the one library that asks for it this way locks scrolling.
setNonce(styleNonce());

createRoot(document.getElementById('root')!).render(<App />);
