/** Alfred's mark. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="8" fill="#0f766e" />
      <path d="M8 23 14.2 9h3.6L24 23h-3.6l-1.3-3.2h-6.2L11.6 23Zm5.9-6h4.2L16 11.9Z" fill="#fff" />
    </svg>
  );
}
