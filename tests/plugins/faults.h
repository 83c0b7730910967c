/* Faults that a plug-in's config names: `fault=NAME`, and `at=N`: only the N-th call that could
 * show it does (the first by default). */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char fault[32] = "none";
static unsigned occasions_left = 1;

static void read_fault(const char* config) {
  occasions_left = 1;
  const char* at = strstr(config, "at=");
  if (at != NULL) sscanf(at, "at=%u", &occasions_left);
  const char* named = strstr(config, "fault=");
  snprintf(fault, sizeof fault, "none");
  if (named != NULL) sscanf(named, "fault=%31[a-z_]", fault);
}

/* What is left of a config for the policy that has the faults. */
static const char* honest_config(const char* config) {
  return strstr(config, "fault=") != NULL ? "" : config;
}

/* Whether this call shows the fault of that name. */
static bool is_due(const char* name) {
  return strcmp(fault, name) == 0 && occasions_left != 0 && --occasions_left == 0;
}

/* Faults that end the process or never come back. */
static void crash_if_due(const char* call) {
  char name[64];
  const char* ways[] = {"segv", "abort", "exit", "loop"};
  for (int way = 0; way < 4; ++way) {
    snprintf(name, sizeof name, "%s_in_%s", ways[way], call);
    if (!is_due(name)) continue;
    if (way == 0) raise(SIGSEGV);
    if (way == 1) abort();
    if (way == 2) exit(3);
    for (;;) pause();
  }
}
