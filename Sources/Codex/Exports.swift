// A program that embeds Codex imports this module alone. That takes `@_exported`: with
// `MemberImportVisibility` (SE-0444), members of a module are visible in a file only if the file
// imports the module, or another one that exports it. A `public import` exports nothing.
//
// CodexIndex is not exported: the engine uses it, and an embedding program does not.

@_exported public import CodexCore
@_exported public import CodexStore
@_exported public import CodexWorkspace
