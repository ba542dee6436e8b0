/* out_pump.h - which of the queued sends starts next, looked at over all lanes. Private to
 * send/. */
#ifndef BRIDGE_SEND_OUT_PUMP_H
#define BRIDGE_SEND_OUT_PUMP_H

/* Fails items over their time, sends what is sealed, and starts items that may start. bridge: a
 * struct bridge; out_queue_kick() has a timer call this. */
void out_pump_run(void *bridge);

#endif
