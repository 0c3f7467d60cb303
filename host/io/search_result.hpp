#pragma once

#include "host/io/hdf5_writer.hpp"
#include "host/search/record.hpp"

namespace spacemoe {

/// Adds a search to a result: its trace, its moves by kind, its figures and the comparison on fresh draws.
void write_search(hdf5::Writer& writer, SearchRecord const& record);

}  // namespace spacemoe
