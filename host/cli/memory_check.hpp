#pragma once

#include <string>

namespace spacemoe {

/// Memory [bytes] that can still be had on this machine.
double available_bytes();

/// "1.3 GiB"
std::string bytes_text(double bytes);

/// Throws ScenarioError when `work` is estimated to need more memory than there is.
void require_memory(std::string const& work, double needed_bytes);

}  // namespace spacemoe
