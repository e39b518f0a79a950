// An app whose tests run in Jest; each test file has it anew.
const express = require('express');
const request = require('supertest');
const { Phospho } = require('phospho-express');

const phospho = new Phospho({ handleSignals: true });
const app = express();
app.use(phospho.router());
app.use(phospho.middleware());
app.use(express.json());
app.post('/chat', (req, res) => {
  res.json({ content: `You said: ${req.body.messages.at(-1).content}` });
});

async function chatAndFlag() {
  // Long enough for what is left of the test file before, if anything is, to make itself known.
  await new Promise((resolve) => setTimeout(resolve, 700));
  const messages = [{ role: 'user', content: 'Hello!' }];
  const { headers } = await request(app).post('/chat').send({ messages }).expect(200);
  const token = headers['x-phospho-feedback-token'];
  await request(app).post('/phospho/flag').send({ token, raw_flag: '👍' }).expect(202);
}

module.exports = { phospho, chatAndFlag };
