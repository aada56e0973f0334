// An Express server with Helmet's defaults, to be graded beside the gate.
import express from 'express';
import helmet from 'helmet';

const app = express();
app.use(helmet());
app.get('/', (_request, response) => response.json({ ok: true }));
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
