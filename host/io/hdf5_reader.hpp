#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "host/io/hdf5.hpp"

namespace spacemoe::hdf5 {

/// Opens a file for reading, without locks. Throws Error, also when it is not HDF5.
File open(std::filesystem::path const& file);

/// What datasets and attributes have in common.
struct Source {
  Datatype type;
  Dataspace space;
  std::function<void(hid_t memory_type, void* values)> read;
};

/// A view of a dataset or an attribute, which has to outlive it.
Source source(Dataset const& dataset);
Source source(Attribute const& attribute);

/// Lengths of the axes; empty for a scalar.
std::vector<hsize_t> shape(Source const& source);
/// How many values there are.
std::size_t count(Source const& source);

/// Values as text, of fixed or variable length in the file. Throws Error when they are none.
std::vector<std::string> texts(Source const& source);

/// Values as integers. Throws Error when they are none.
std::vector<std::uint32_t> integers(Source const& source);

}  // namespace spacemoe::hdf5
