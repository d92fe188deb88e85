extension CodexFlow {
    /// The differences between two versions of a PRD.
    public struct PRDDifference: Sendable {
        /// A change to an entry of a list.
        public enum Change: Sendable, Hashable {
            case added(String)
            case removed(String)
        }

        /// A change to a story, which its identifier identifies.
        public enum StoryChange: Sendable, Hashable {
            case added(PRD.Story)
            case removed(PRD.Story)
            case changed(from: PRD.Story, to: PRD.Story)
        }

        /// The title before and after, if it changed.
        public let title: (from: String, to: String)?
        /// The overview before and after, if it changed.
        public let overview: (from: String, to: String)?
        /// The lists that changed, by name: objectives, requirements, and so on.
        public let lists: [String: [Change]]
        /// The changed stories in the order of the new version; removed stories come last.
        public let stories: [StoryChange]

        /// Whether there is no difference.
        public var isEmpty: Bool {
            title == nil && overview == nil && lists.isEmpty && stories.isEmpty
        }

        /// Compares two versions.
        public init(from old: PRD, to new: PRD) {
            func text(_ old: String, _ new: String) -> (from: String, to: String)? {
                old == new ? nil : (old, new)
            }
            title = text(old.title, new.title)
            overview = text(old.content?.overview ?? "", new.content?.overview ?? "")
            var lists: [String: [Change]] = [:]
            func compare(_ name: String, _ old: [String], _ new: [String]) {
                let changes = new.difference(from: old).map { change -> Change in
                    switch change {
                    case .insert(_, let text, _): .added(text)
                    case .remove(_, let text, _): .removed(text)
                    }
                }
                if !changes.isEmpty { lists[name] = changes }
            }
            let (before, after) = (old.content, new.content)
            compare("objectives", before?.objectives ?? [], after?.objectives ?? [])
            compare(
                "requirements.functional", before?.functionalRequirements ?? [],
                after?.functionalRequirements ?? [])
            compare(
                "requirements.nonFunctional", before?.nonFunctionalRequirements ?? [],
                after?.nonFunctionalRequirements ?? [])
            compare("nonGoals", old.nonGoals, new.nonGoals)
            compare("risks", old.risks, new.risks)
            compare("openQuestions", old.openQuestions, new.openQuestions)
            self.lists = lists
            let (oldStories, newStories) = (before?.userStories ?? [], after?.userStories ?? [])
            var stories: [StoryChange] = []
            for story in newStories {
                guard let known = oldStories.first(where: { $0.id == story.id }) else {
                    stories.append(.added(story))
                    continue
                }
                if known != story { stories.append(.changed(from: known, to: story)) }
            }
            for story in oldStories where !newStories.contains(where: { $0.id == story.id }) {
                stories.append(.removed(story))
            }
            self.stories = stories
        }
    }
}
