#pragma once

#include <optional>

#include "host/io/sweep_file.hpp"
#include "host/io/table_reader.hpp"

namespace spacemoe {

/// An axis and the keys that it varies.
struct DeclaredAxis {
  SweepAxis axis;
  std::vector<SweptKey> keys;
};

/// Reads an [[axis]]; nothing where it complains.
std::optional<DeclaredAxis> read_axis(TableReader& table);

}  // namespace spacemoe
