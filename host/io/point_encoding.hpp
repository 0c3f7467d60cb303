#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/sweep/point.hpp"

namespace spacemoe {

/// A record as CBOR. Numbers come back to the bit, but for NaN, which comes back as the one of
/// std::numeric_limits.
std::string encoded(PointRecord const& record);

/// The record back; nothing for bytes that are none, whatever they are.
std::optional<PointRecord> decoded_point(std::string_view bytes);

}  // namespace spacemoe
