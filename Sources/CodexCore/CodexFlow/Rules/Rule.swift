extension CodexFlow {
    /// The rules of CodexFlow: what a broken one is called, and what to do about it.
    ///
    /// Those of one value by itself hold on every typed write (``Entity/validate()``); those that look
    /// at other items, in the commands of a ``Workspace``.
    public enum Rule: String, Sendable, Hashable, CaseIterable {
        // Users
        case userEmail, userEmailTaken, userName, userTimeZone, userState, userOwnsProjects
        case userKept
        // Sessions
        case sessionLifetime, sessionUser, sessionClient, sessionToken
        // Who may do what
        case actorActive, actorRole
        // Projects
        case projectName, projectKey, projectKeyTaken, projectSummary, projectDates
        case projectTimeZone, projectScale, projectHours, projectStatus, projectReadOnly
        case projectDeletion
        case projectOwner, projectKept
        // Members
        case memberUser, memberTaken, memberOwner, memberWork
        // Tasks
        case taskTitle, taskBody, taskLabels, taskEstimate, taskComplexity, taskCriteria, taskNumber
        case taskStatus, taskTransition, taskBlocked, taskChildren, taskUnmet
        case taskParent, taskDepth, taskParts, taskPlace, taskMetadata, taskAssignee
        case taskClaimed, taskClaim, taskNotHeld, taskArchived, taskKept
        case taskStale, taskStory
        // What belongs to tasks
        case dependencySelf, dependencyCycle, dependencyTaken, dependencyCount, commentText
        case commentAuthor, workHours, workDay, note, activityFacts
        // PRDs
        case prdTitle, prdContent, prdStories, prdStatus, prdStale, prdReview, prdReviewer
        case prdVersion
        // Analytics
        case analyticsFigures

        /// What the rule asks for.
        public var text: String {
            switch self {
            case .userEmail:
                "An e-mail address is name@domain, at most \(Limits.emailByteCountMax) bytes, "
                    + "without white space, accented letters as one character each."
            case .userEmailTaken: "Each e-mail address belongs to one user. Choose another."
            case .userName: "A name has 1 to \(Limits.nameCountMax) characters."
            case .userTimeZone, .projectTimeZone:
                "A time zone is one of the IANA database's, as Europe/Berlin."
            case .userState: "Users go from invited to active, and to and fro suspended."
            case .userKept: "The field is kept by the rules. Use the command that changes it."
            case .userOwnsProjects: "A user who owns projects stays. Transfer them first."
            case .sessionLifetime: "A session ends after it was opened, within a year."
            case .sessionUser: "Only active users have sessions."
            case .sessionToken:
                "The token opens no session: it is over, was revoked, or there never was one. Log in."
            case .sessionClient:
                "A client's name has at most \(Limits.nameCountMax) characters."
            case .actorActive: "Whoever acts is an active user."
            case .actorRole:
                "Whoever acts has a role in the project that allows it. Ask one of its admins."
            case .projectName: "A project's name has 1 to \(Limits.nameCountMax) characters."
            case .projectKey:
                "A project's key is a letter from A to Z and 1 to 5 more letters or digits."
            case .projectKeyTaken: "Each project's key is its own. Choose another."
            case .projectSummary: "A summary has at most \(Limits.textByteCountMax) bytes."
            case .projectDates: "A project starts on the day it is to be done, or before."
            case .projectScale:
                "A scale has at most \(Limits.scaleCountMax) estimates, ascending, from 0 to "
                    + "\(Limits.estimateMax)."
            case .projectHours: "A point stands for 1 to \(Limits.hoursPerPointMax) hours."
            case .projectStatus:
                "The transition table does not have this change of status. Projects begin in backlog, "
                    + "planned or started."
            case .projectReadOnly: "An archived project is read-only. Restore it first."
            case .projectDeletion: "The project is being deleted with everything in it."
            case .projectOwner: "A project's owner is an active user."
            case .projectKept: "The field is kept by the rules. Use the command that changes it."
            case .memberUser: "A member is an active user."
            case .memberTaken: "The user is a member already. Change the role instead."
            case .memberOwner: "The owner stays a member. Transfer the project first."
            case .memberWork:
                "Somebody with open tasks keeps a part in them. Assign them to others first; those of an "
                    + "archived project once it is restored."
            case .taskTitle: "A title has 1 to \(Limits.nameCountMax) characters."
            case .taskBody: "A description has at most \(Limits.bodyByteCountMax) bytes."
            case .taskLabels:
                "A task has at most \(Limits.labelCountMax) labels, each once, of 1 to "
                    + "\(Limits.labelCharacterCountMax) characters without #."
            case .taskEstimate:
                "An estimate is one of the project's scale, or 0 to \(Limits.estimateMax)."
            case .taskComplexity: "Complexity is from 1 to 10."
            case .taskCriteria:
                "A task has at most \(Limits.criterionCountMax) criteria, each with an identifier of "
                    + "its own and 1 to \(Limits.criterionCharacterCountMax) characters."
            case .taskNumber: "A task's number is from 1 to \(Limits.taskNumberMax)."
            case .taskStatus: "A task begins in backlog, todo or inProgress."
            case .taskTransition: "The transition table does not have this change of status."
            case .taskBlocked:
                "A blocked task is not started. Finish what blocks it, or give a reason (overriding:)."
            case .taskChildren: "A task is done when its parts are. Finish or cancel them first."
            case .taskUnmet:
                "A task is done when all criteria are met. Meet them, or give a reason (overriding:)."
            case .taskParent: "A task's parent is another task of its project, open if the task is."
            case .taskDepth: "Tasks are nested three deep at most, without cycles."
            case .taskParts: "A task has at most \(Limits.subtaskCountMax) parts."
            case .taskPlace:
                "A cycle and a rank have at most \(Limits.nameCountMax) characters each."
            case .taskMetadata: "Metadata has at most \(Limits.metadataByteCountMax) bytes."
            case .taskAssignee: "An assignee is an active member of the project."
            case .taskClaimed: "The task is claimed. Wait until the claim ends."
            case .taskClaim: "A claim is for an open task, for a second to a day."
            case .taskNotHeld:
                "The claim is over, or somebody else's. Claim the task again, and look at what changed."
            case .taskArchived: "An archived task is read-only. Restore it first."
            case .taskKept: "The field is kept by the rules. Use the command that changes it."
            case .taskStale: "The task changed since it was read. Read again."
            case .taskStory: "A task's story is one of its PRD's version."
            case .dependencySelf: "A task does not block itself."
            case .dependencyCycle: "Tasks do not block each other in a circle."
            case .dependencyTaken: "The dependency is there already."
            case .dependencyCount:
                "A task waits for at most \(Limits.dependencyCountMax) others, and as many wait for "
                    + "it."
            case .commentText: "A comment has 1 to \(Limits.textByteCountMax) bytes."
            case .commentAuthor: "A comment is changed by its author, or by an admin."
            case .workHours:
                "Logged hours are above zero, and a user's day has 24 at most, with four decimals."
            case .workDay: "Work is logged for today or days before."
            case .note:
                "A note or reason has 1 to \(Limits.textByteCountMax) bytes, and something to see."
            case .activityFacts: "Facts of history are within what tasks can have."
            case .prdTitle: "A title has 1 to \(Limits.nameCountMax) characters."
            case .prdContent: "A version's content has at most \(Limits.bodyByteCountMax) bytes."
            case .prdStories:
                "Stories have identifiers of their own; for a review there is one at least, each "
                    + "with a criterion."
            case .prdStatus: "The approval workflow does not have this step."
            case .prdStale: "Somebody added a version since. Read again."
            case .prdReview: "The decision is about another version or content. Read again."
            case .prdReviewer: "PRDs are reviewed by people. Ask somebody who is no agent."
            case .prdVersion: "Versions count from 1."
            case .analyticsFigures: "A day's figures are within what tasks and hours can add up to."
            }
        }

        /// The error of a broken rule.
        func violated(
            _ field: String, _ values: [String: AttributeValue?] = [:],
            fileID: String = #fileID, line: Int = #line
        ) -> CodexError {
            CodexError(
                .ruleViolated, "Rule \(rawValue), field \(field): \(text)",
                violation: RuleViolation(
                    rule: rawValue, field: field, values: values.compactMapValues { $0 }),
                fileID: fileID, line: line)
        }

        /// Throws unless the rule holds.
        func require(
            _ holds: Bool, _ field: String,
            _ values: @autoclosure () -> [String: AttributeValue?] = [:],
            fileID: String = #fileID, line: Int = #line
        ) throws(CodexError) {
            if !holds { throw violated(field, values(), fileID: fileID, line: line) }
        }
    }
}

extension CodexError {
    /// The rule of CodexFlow's that was broken; `nil` for other errors.
    public var rule: CodexFlow.Rule? { violation.flatMap { CodexFlow.Rule(rawValue: $0.rule) } }
}
