#include "host/cli/refining.hpp"

#include <cstdint>

#include "host/cli/interrupt.hpp"
#include "host/cli/memory_check.hpp"
#include "host/cli/progress.hpp"
#include "host/search/memory.hpp"
#include "host/search/refined.hpp"

namespace spacemoe {

Placement refine_with_progress(Scenario const& scenario, Backend& backend) {
  require_memory("memory", search_bytes(scenario));
  Progress progress("searching", "per mille");
  return refined(scenario, backend, [&](double share) {
    progress.show(static_cast<std::uint64_t>(1000 * share), 1000);
    stop_if_interrupted();
  });
}

}  // namespace spacemoe
