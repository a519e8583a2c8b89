/*
 * intake_case - POST /v1/cases and GET /v1/cases/CODE
 */
#pragma once

struct intake_request;
struct intake_guest;

void intake_case_open(struct intake_guest *guest, const struct intake_request *request);
void intake_case_state(struct intake_guest *guest, const struct intake_request *request);
