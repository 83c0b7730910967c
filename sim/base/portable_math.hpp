// Logarithm, exponential, power and the normal quantile, the same to the last bit on every compiler
// and C library: built from IEEE 754 basic operations and square root alone, in a fixed order.
// Needs -ffp-contract=off. For generators and distributions; elsewhere <cmath> is as good.
//
// Relative errors were measured against 80-bit <cmath> and are held by tests.
#pragma once

namespace tiercast {

/// Natural logarithm; relative error <= 4e-16 over all positive finite doubles. log(0) is
/// -infinity, of a negative number or NaN it is NaN, of infinity infinity.
double portable_log(double x);

/// e^x; relative error <= 4e-16 where the result is a normal number. Overflows to infinity,
/// underflows through subnormals to 0.
double portable_exp(double x);

/// x^y for x >= 0, as exp(y log x): relative error <= 4e-16 + 4e-16 |y ln x|, which is 3e-14 at
/// 1e30. 0^y is 0 for y > 0, 1 for y = 0 and infinity for y < 0; x^0 is 1. NaN for x < 0.
double portable_pow(double x, double y);

/// The x below which a standard normal variate falls with probability p, 0 < p < 1; relative error
/// about 1e-15. Algorithm AS 241, PPND16 (Wichura, Applied Statistics 37, 1988).
double normal_quantile(double p);

}  // namespace tiercast
