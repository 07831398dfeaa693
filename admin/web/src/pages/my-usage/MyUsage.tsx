export default function MyUsage() { return <h1>MyUsage</h1>; }
