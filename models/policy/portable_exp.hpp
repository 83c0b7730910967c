#pragma once

namespace tiercast::policy {

/// exp(x) for x <= 0, the same on every machine: libm's differ in the last bit. To 1e-12 of its
/// value; 0 below -700.
inline double exp_of_negative(double x) {
  if (x < -700) return 0;
  int halvings = 0;
  while (x < -0.5) {
    x /= 2;
    ++halvings;
  }
  double term = 1;
  double sum = 1;
  for (int n = 1; n <= 14; ++n) {
    term = term * x / n;
    sum += term;
  }
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

}  // namespace tiercast::policy
