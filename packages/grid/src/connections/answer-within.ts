/** Milliseconds that a server has to answer what takes it next to nothing, where others are asked at the same time. */
export const answerWithin = 5_000;
