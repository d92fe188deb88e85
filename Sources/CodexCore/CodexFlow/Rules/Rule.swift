extension CodexFlow {
    /// The rules of CodexFlow, with their names and the text that tells users how to satisfy them.
    ///
    /// Rules of a single value hold on every typed write (``Entity/validate()``). Rules that depend
    /// on other items hold in the commands of a workspace (module `CodexWorkspace`).
    public enum Rule: String, Sendable, Hashable, CaseIterable {
        // Users
        case userEmail, userEmailTaken, userName, userTimeZone, userState, userOwnsProjects
        case userKept
        // Sessions
        case sessionLifetime, sessionUser, sessionClient, sessionToken
        // Permissions
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
        case taskClaimed, taskClaim, taskNotHeld, taskClaimEnded, taskClaimTokens, taskArchived
        case taskKept, taskAssigned, taskDeletion, taskEarly, taskDead, taskAttempts, taskSkills
        case taskResult, taskOverride
        case taskStale, taskStory
        // Parts of tasks
        case dependencySelf, dependencyCycle, dependencyTaken, dependencyCount, dependencyReach
        case commentText, commentAuthor, workHours, workDay, note, activityFacts
        // PRDs
        case prdTitle, prdContent, prdStories, prdStatus, prdStale, prdReview, prdReviewer
        case prdVersion, prdHash
        // Analytics
        case analyticsFigures

        /// The requirement of the rule, for people.
        public var text: String {
            switch self {
            case .userEmail:
                "An e-mail address is name@domain, at most \(Limits.emailByteCountMax) bytes, "
                    + "without white space, # and invisible characters. IDNA must permit the "
                    + "domain, and its labels have at most \(Limits.domainLabelByteCountMax) bytes."
            case .userEmailTaken: "Each e-mail address belongs to one user. Choose another."
            case .userName: "A name has 1 to \(Limits.nameCountMax) characters, on one line."
            case .userTimeZone, .projectTimeZone:
                "A time zone is one of the IANA database's, as Europe/Berlin."
            case .userState: "A new user is invited or active. Suspend the user later."
            case .userKept: "The rules maintain this field. Use the command that changes it."
            case .userOwnsProjects: "An owner of projects cannot be removed. Transfer them first."
            case .sessionLifetime: "A session ends after its start, and within a year."
            case .sessionUser: "Only active users have sessions."
            case .sessionToken:
                "The token has no open session: it ended, was revoked, or never existed. Log in."
            case .sessionClient:
                "A client's name has at most \(Limits.nameCountMax) characters."
            case .actorActive: "The actor must be an active user."
            case .actorRole:
                "The actor needs a role in the project that allows it. Ask one of its admins."
            case .projectName:
                "A project's name has 1 to \(Limits.nameCountMax) characters, on one line."
            case .projectKey:
                "A project's key has 2 to \(Limits.projectKeyCountMax) characters: a letter from A "
                    + "to Z, then letters, digits or _."
            case .projectKeyTaken: "Each project key belongs to one project. Choose another."
            case .projectSummary: "A summary has at most \(Limits.textByteCountMax) bytes."
            case .projectDates: "A project starts on its target date, or before."
            case .projectScale:
                "A scale has at most \(Limits.scaleCountMax) estimates, ascending, from 0 to "
                    + "\(Limits.estimateMax)."
            case .projectHours: "A point stands for 1 to \(Limits.hoursPerPointMax) hours."
            case .projectStatus:
                "The transition table does not have this change of status. Projects begin in "
                    + "backlog, planned or started."
            case .projectReadOnly: "An archived project is read-only. Restore it first."
            case .projectDeletion: "The project is being deleted, with everything in it."
            case .projectOwner: "A project's owner is an active user."
            case .projectKept: "The rules maintain this field. Use the command that changes it."
            case .memberUser: "A member is an active user."
            case .memberTaken: "The user is a member already. Change the role instead."
            case .memberOwner: "A project's owner must be a member. Transfer the project first."
            case .memberWork:
                "A user with open tasks cannot be removed. Assign the tasks to others first. Tasks "
                    + "of archived projects do not count."
            case .taskTitle: "A title has 1 to \(Limits.nameCountMax) characters, on one line."
            case .taskBody: "A description has at most \(Limits.bodyByteCountMax) bytes."
            case .taskLabels:
                "A task has at most \(Limits.labelCountMax) labels, each once, of 1 to "
                    + "\(Limits.labelCharacterCountMax) characters, on one line."
            case .taskEstimate:
                "An estimate is one of the project's scale, or 0 to \(Limits.estimateMax)."
            case .taskComplexity: "Complexity is from 1 to 10."
            case .taskCriteria:
                "A task has at most \(Limits.criterionCountMax) criteria. Each has its own "
                    + "identifier and 1 to \(Limits.criterionCharacterCountMax) characters."
            case .taskNumber: "A task's number is from 1 to \(Limits.taskNumberMax)."
            case .taskStatus: "A task begins in backlog, todo or inProgress."
            case .taskTransition: "The transition table does not have this change of status."
            case .taskBlocked:
                "A blocked task is not started. Finish what blocks it, or give a reason "
                    + "(overriding:)."
            case .taskChildren: "A task is done when its subtasks are. Finish or cancel them first."
            case .taskUnmet:
                "A task is done when all criteria are met. Meet them, or give a reason "
                    + "(overriding:)."
            case .taskParent: "A task's parent is another task of its project, open if the task is."
            case .taskDepth: "Tasks are nested three deep at most, without cycles."
            case .taskParts:
                "A task has at most \(Limits.subtaskCountMax) subtasks that are not canceled, and "
                    + "\(Limits.subtaskTotalCountMax) in all."
            case .taskPlace:
                "A cycle and a rank have at most \(Limits.nameCountMax) characters each."
            case .taskMetadata: "Metadata has at most \(Limits.metadataByteCountMax) bytes."
            case .taskAssignee: "An assignee is an active member of the project."
            case .taskClaimed:
                "The task is claimed. Give the claim's token (holding:), or wait until it ends."
            case .taskClaim: "A claim is for an open task, for a second to a day."
            case .taskNotHeld:
                "The token is not of a claim that the actor holds. Stop the work, and claim the "
                    + "task again."
            case .taskClaimEnded:
                "The claim with this token ended before the renewal. Stop the work, and claim the "
                    + "task again."
            case .taskClaimTokens: "The identifier has no claim tokens left. Create another task."
            case .taskAssigned:
                "The task is assigned to another user. Ask the assignee, or claim it nevertheless "
                    + "(despite:)."
            case .taskEarly:
                "The task is not to be claimed yet. Wait, or claim it nevertheless (despite:)."
            case .taskDead:
                "All attempts of the task failed. Revive it, or claim it nevertheless (despite:)."
            case .taskAttempts: "A task has 1 to \(Limits.attemptCountMax) attempts."
            case .taskOverride:
                "Rules are overridden by an admin, or by a member who is no agent, if the project "
                    + "permits it. The reason has letters."
            case .taskSkills:
                "A task needs at most \(Limits.skillCountMax) skills, each once, of 1 to "
                    + "\(Limits.skillByteCountMax) bytes."
            case .taskResult:
                "A result has at most \(Limits.resultByteCountMax) bytes. Its link has a scheme, "
                    + "no white space, and at most \(Limits.linkByteCountMax) bytes. A task that "
                    + "is done keeps its result."
            case .taskDeletion:
                "A task with subtasks is not deleted. Delete the subtasks first, or give them "
                    + "another parent."
            case .taskArchived: "An archived task is read-only. Restore it first."
            case .taskKept: "The rules maintain this field. Use the command that changes it."
            case .taskStale: "The task changed since it was read. Read again."
            case .taskStory: "A task's story must be in the version of its PRD."
            case .dependencySelf: "A task does not block itself."
            case .dependencyCycle:
                "Dependencies have no cycles, and a part does not wait for its whole, directly or "
                    + "through other tasks."
            case .dependencyTaken: "The dependency exists already."
            case .dependencyCount:
                "A task depends on at most \(Limits.dependencyCountMax) others, and at most as "
                    + "many depend on it."
            case .dependencyReach:
                "The check for cycles reads at most \(Limits.dependencyWalkMax) tasks and links. "
                    + "Remove dependencies of the tasks that wait for each other."
            case .commentText: "A comment has 1 to \(Limits.textByteCountMax) bytes."
            case .commentAuthor: "A comment is changed by its author, or by an admin."
            case .workHours:
                "Logged hours are above 0, have up to 4 decimals, and are at most 24 a day."
            case .workDay: "Work is logged for today or an earlier day."
            case .note:
                "A note or reason has 1 to \(Limits.textByteCountMax) bytes, and is not blank."
            case .activityFacts: "The facts of a history entry are within the limits of tasks."
            case .prdTitle: "A title has 1 to \(Limits.nameCountMax) characters, on one line."
            case .prdContent: "A version's content has at most \(Limits.bodyByteCountMax) bytes."
            case .prdStories:
                "Each story has its own identifier. A review needs at least one story, and each "
                    + "needs a criterion."
            case .prdStatus: "The approval workflow does not have this step."
            case .prdStale: "The PRD has a newer version. Read again."
            case .prdReview: "The decision is about another version or content. Read again."
            case .prdReviewer:
                "Agents do not review PRDs, and authors do not approve their own versions. Ask "
                    + "another person."
            case .prdVersion: "Versions count from 1."
            case .prdHash:
                "A content hash is that of the version's content. Compute it (makeContentHash()), "
                    + "or leave it out."
            case .analyticsFigures: "A day's figures are within the sums of tasks and hours."
            }
        }

        /// The error for a broken rule.
        package func violated(
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
        package func require(
            _ holds: Bool, _ field: String,
            _ values: @autoclosure () -> [String: AttributeValue?] = [:],
            fileID: String = #fileID, line: Int = #line
        ) throws(CodexError) {
            if !holds { throw violated(field, values(), fileID: fileID, line: line) }
        }
    }
}

extension CodexError {
    /// The CodexFlow rule that was broken; `nil` for other errors.
    public var rule: CodexFlow.Rule? { violation.flatMap { CodexFlow.Rule(rawValue: $0.rule) } }
}
