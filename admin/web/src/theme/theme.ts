import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple } from '@mantine/core';
import { separators } from '../format';

const teal: MantineColorsTuple = ['#f0fdfa', '#ccfbf1', '#99f6e4', '#5eead4', '#2dd4bf', '#14b8a6', '#0d9488', '#0f766e', '#115e59', '#134e4a'];
const slate: MantineColorsTuple = ['#f8fafc', '#f1f5f9', '#e6ebf1', '#d5dde7', '#a6b2c3', '#5f6e83', '#4b5a70', '#334155', '#1e293b', '#0f172a'];
const night: MantineColorsTuple = ['#e6ebf2', '#cbd5e1', '#a3b1c4', '#8493a8', '#2c394b', '#212d3e', '#17212f', '#0f1722', '#0b111a', '#070b12'];

export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: { light: 7, dark: 4 },
  colors: { teal, gray: slate, dark: night },
  // The accent is bright in the dark, so what stands on it is dark there.
  variantColorResolver: (input) => {
    const colours = defaultVariantColorsResolver(input);
    const accent = !input.color || input.color === input.theme.primaryColor;
    if (!accent) return colours;
    if (input.variant === 'filled') return { ...colours, color: 'var(--a-on-accent)' };
    if (input.variant === 'light') return { ...colours, background: 'var(--a-accent-soft)', hover: 'var(--a-accent-softer)', color: 'var(--a-accent)' };
    return colours;
  },
  black: '#0f172a',
  defaultRadius: 8,
  fontFamily: "'Inter Variable', 'Inter until it is there', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.4' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '20px', lineHeight: '28px' }, h2: { fontSize: '15px', lineHeight: '22px' }, h3: { fontSize: '14px', lineHeight: '20px' } },
  },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '20px', xl: '24px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    // Its title in the alert's own colour is too pale to read.
    Alert: { styles: { title: { color: 'var(--a-text)' }, message: { color: 'var(--a-text)' } } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Tooltip: { defaultProps: { openDelay: 300, transitionProps: { duration: 120 }, events: { hover: true, focus: true, touch: true } } },
    Modal: { defaultProps: { transitionProps: { duration: 140 }, centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { transitionProps: { duration: 140 }, closeButtonProps: { 'aria-label': 'Close' } } },
    // Figures are typed as they are shown.
    NumberInput: { defaultProps: { size: 'sm', ...separators() } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', comboboxProps: { transitionProps: { duration: 120, transition: 'fade' } } } },
  },
});
