#pragma once

#include <iosfwd>

#include "host/evaluation/scenario.hpp"
#include "host/stress/stress.hpp"

namespace spacemoe {

/// A table per family of damage, with what repairs took below it, then what its columns are.
void print_table(std::ostream& out, Scenario const& scenario, StressOptions const& options,
                 Stress const& stress);
/// Everything that is known of every point, but for histograms; NaN and infinity become null.
void print_json(std::ostream& out, Scenario const& scenario, StressOptions const& options,
                Stress const& stress);
/// The same as a line per point.
void print_csv(std::ostream& out, Scenario const& scenario, StressOptions const& options,
               Stress const& stress);

}  // namespace spacemoe
