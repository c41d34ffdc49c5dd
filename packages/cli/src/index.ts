/** The `holdfast` command. */
export { main } from './main.js';
