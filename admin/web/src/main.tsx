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

// The fonts are on their way while it is asked who is signed in, and not only once there is text.
void document.fonts.load("16px 'Inter Variable'");

createRoot(document.getElementById('root')!).render(<App />);
