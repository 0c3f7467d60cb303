#include "host/stress/memory.hpp"

#include "host/evaluation/evaluate.hpp"

namespace spacemoe {

double stress_bytes(Scenario const& scenario, StressOptions const&) {
  return evaluation_bytes(scenario, {});
}

}  // namespace spacemoe
