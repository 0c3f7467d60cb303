#include "host/evaluation/tally.hpp"

namespace spacemoe {

Moments& Moments::operator+=(Moments const& other) {
  tokens += other.tokens;
  delivered += other.delivered;
  sum_ns += other.sum_ns;
  sum_squares_ns2 += other.sum_squares_ns2;
  return *this;
}

}  // namespace spacemoe
