public import CodexCore
public import FoundationEssentials

extension CodexFlow {
    /// Something that happened in CodexFlow, in EventBridge's envelope.
    ///
    /// Events are derived from the stream of changes, so an event exists exactly if its write is
    /// committed. The same change always gives the same events with the same identifiers. A handler
    /// can therefore recognize an event that is delivered twice.
    public struct Event: Sendable, Hashable {
        /// The kind of event: EventBridge's `detail-type`.
        public enum Kind: String, Sendable, Hashable, CaseIterable {
            case taskCreated = "TaskCreated"
            case taskUpdated = "TaskUpdated"
            case taskAssigned = "TaskAssigned"
            case taskUnassigned = "TaskUnassigned"
            case taskStatusChanged = "TaskStatusChanged"
            case taskStarted = "TaskStarted"
            case taskCompleted = "TaskCompleted"
            case taskCanceled = "TaskCanceled"
            case taskReopened = "TaskReopened"
            case taskClaimed = "TaskClaimed"
            case taskReleased = "TaskReleased"
            case taskClaimExpired = "TaskClaimExpired"
            case taskDied = "TaskDied"
            case taskRevived = "TaskRevived"
            case taskArchived = "TaskArchived"
            case taskRestored = "TaskRestored"
            case taskDeleted = "TaskDeleted"
            case taskCommented = "TaskCommented"
            case taskCommentChanged = "TaskCommentChanged"
            case taskCommentDeleted = "TaskCommentDeleted"
            case taskBlocked = "TaskBlocked"
            case taskUnblocked = "TaskUnblocked"
            case workLogged = "WorkLogged"
            case projectCreated = "ProjectCreated"
            case projectUpdated = "ProjectUpdated"
            case projectStatusChanged = "ProjectStatusChanged"
            case projectArchived = "ProjectArchived"
            case projectRestored = "ProjectRestored"
            case projectTransferred = "ProjectTransferred"
            case projectDeletionStarted = "ProjectDeletionStarted"
            case projectDeleted = "ProjectDeleted"
            case memberAdded = "MemberAdded"
            case memberChanged = "MemberChanged"
            case memberRemoved = "MemberRemoved"
            case prdCreated = "PRDCreated"
            case prdVersionAdded = "PRDVersionAdded"
            case prdSubmitted = "PRDSubmitted"
            case prdApproved = "PRDApproved"
            case prdRejected = "PRDRejected"
            case prdChangesRequested = "PRDChangesRequested"
            case prdSuperseded = "PRDSuperseded"
            case prdArchived = "PRDArchived"
            case prdReviewed = "PRDReviewed"
            case userCreated = "UserCreated"
            case userUpdated = "UserUpdated"
            case userSuspended = "UserSuspended"
            case userActivated = "UserActivated"
            case userDeleted = "UserDeleted"
            case sessionOpened = "SessionOpened"
            case sessionEnded = "SessionEnded"

            /// The service that the event belongs to: EventBridge's `source`.
            public var source: String {
                switch self {
                case .taskCreated, .taskUpdated, .taskAssigned, .taskUnassigned, .taskStatusChanged,
                    .taskStarted, .taskCompleted, .taskCanceled, .taskReopened, .taskClaimed,
                    .taskReleased, .taskClaimExpired, .taskDied, .taskRevived, .taskArchived,
                    .taskRestored, .taskDeleted, .taskCommented, .taskCommentChanged,
                    .taskCommentDeleted, .taskBlocked, .taskUnblocked, .workLogged:
                    "codexflow.tasks"
                case .projectCreated, .projectUpdated, .projectStatusChanged, .projectArchived,
                    .projectRestored, .projectTransferred, .projectDeletionStarted,
                    .projectDeleted, .memberAdded,
                    .memberChanged, .memberRemoved:
                    "codexflow.projects"
                case .prdCreated, .prdVersionAdded, .prdSubmitted, .prdApproved, .prdRejected,
                    .prdChangesRequested, .prdSuperseded, .prdArchived, .prdReviewed:
                    "codexflow.prds"
                case .userCreated, .userUpdated, .userSuspended, .userActivated, .userDeleted,
                    .sessionOpened, .sessionEnded:
                    "codexflow.users"
                }
            }
        }

        /// The event's identifier, which is the same for the same change.
        public let id: String
        /// The kind of event.
        public let kind: Kind
        /// The time of the commit.
        public let time: Date
        /// The data of the event.
        public let detail: AttributeMap

        /// Creates an event.
        public init(id: String, kind: Kind, time: Date, detail: AttributeMap) {
            self.id = id
            self.kind = kind
            self.time = time
            self.detail = detail
        }

        /// The service that the event belongs to.
        public var source: String { kind.source }

        /// The event as EventBridge delivers one, with an empty account and region.
        public var envelope: AttributeMap {
            [
                "version": "0", "id": .string(id), "detail-type": .string(kind.rawValue),
                "source": .string(source), "account": "", "region": "",
                "time": .string(Self.seconds(time)), "resources": [], "detail": .map(detail),
            ]
        }

        /// The envelope as JSON.
        public var json: String { DynamoDBJSON.plainText(envelope) }

        /// Reads an event from its envelope as JSON.
        ///
        /// - Throws: ``CodexError/Code/invalidJSON`` if the JSON is not one of CodexFlow's events.
        public init(json: String) throws(CodexError) {
            let envelope = try DynamoDBJSON.item(parsingPlain: Array(json.utf8))
            guard let id = envelope["id"]?.string,
                let kind = envelope["detail-type"]?.string.flatMap(Kind.init),
                envelope["source"]?.string == kind.source,
                let time = envelope["time"].flatMap(Date.init(attributeValue:)),
                let detail = envelope["detail"]?.map
            else {
                throw CodexError(
                    .invalidJSON, "That is no event of CodexFlow's in EventBridge's envelope.")
            }
            self.init(id: id, kind: kind, time: time, detail: detail)
        }

        /// Formats a time in whole seconds, as EventBridge does.
        private static func seconds(_ time: Date) -> String {
            Timestamp.text(time).prefix(19) + "Z"
        }
    }
}
