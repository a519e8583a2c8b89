/*
 * intake_metrics - GET /healthz and GET /metrics (Prometheus text format 0.0.4)
 */
#pragma once

struct intake_request;
struct intake_guest;

void intake_metrics_health(struct intake_guest *guest, const struct intake_request *request);
void intake_metrics_figures(struct intake_guest *guest, const struct intake_request *request);
