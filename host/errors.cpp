#include "host/errors.hpp"

#include <utility>

namespace spacemoe {
namespace {

std::string text(std::vector<Complaint> const& complaints) {
  std::string all;
  for (auto const& complaint : complaints) {
    if (!all.empty()) all += '\n';
    all += complaint.where + ": " + complaint.what;
    if (!complaint.remedy.empty()) all += "; " + complaint.remedy;
  }
  return all;
}

}  // namespace

ScenarioError::ScenarioError(std::vector<Complaint> complaints)
    : std::runtime_error(text(complaints)), complaints_(std::move(complaints)) {}

ScenarioError::ScenarioError(Complaint complaint) : ScenarioError(std::vector{std::move(complaint)}) {}

}  // namespace spacemoe
