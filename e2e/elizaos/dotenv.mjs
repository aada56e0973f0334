// Reads a JSON list of texts and prints, in the same order, what Node's dotenv
// makes of each as a file.
import { text } from 'node:stream/consumers';
import dotenv from 'dotenv';

const files = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(files.map((file) => dotenv.parse(Buffer.from(file)))));
