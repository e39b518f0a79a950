const { chatAndFlag } = require('./app.cjs');

test('answers, and leaves everything as it is', chatAndFlag);
