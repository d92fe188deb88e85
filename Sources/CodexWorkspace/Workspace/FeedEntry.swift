public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// An entry of a feed: of the history of a task, of a project with its members and PRDs, or of
    /// a user.
    public enum FeedEntry: Sendable, Hashable {
        /// A change of a task.
        case task(Activity)
        /// A change of a project, a member or a PRD.
        case project(ProjectEntry)
        /// A change of a user's administration.
        case user(UserEntry)

        /// The time of the change.
        public var at: Date {
            switch self {
            case .task(let entry): entry.at
            case .project(let entry): entry.at
            case .user(let entry): entry.at
            }
        }

        /// The user who made the change; `nil` is unknown.
        public var actorID: User.ID? {
            switch self {
            case .task(let entry): entry.actorID
            case .project(let entry): entry.actorID
            case .user(let entry): entry.actorID
            }
        }

        /// The entry's position in the order of time, for the next part of a feed.
        public var position: String {
            switch self {
            case .task(let entry): entry.feedPosition
            case .project(let entry): entry.feedPosition
            case .user(let entry): entry.feedPosition
            }
        }
    }
}
