import classes from '../Settings.module.css';
import { Channels } from './Channels';
import { Reached } from './Reached';
import { Thresholds } from './Thresholds';

/** When somebody hears that a budget runs out, and where. */
export function Alerts() {
  return (
    <div className={classes.stack}>
      <Channels />
      <Thresholds />
      <Reached />
    </div>
  );
}
