/*
 * reader_mail - the reader's work: raw mail in, addresses and a record out (see reader_text_split())
 */
#pragma once

#include "reader_child.h"

extern const struct reader_work reader_mail_work;
