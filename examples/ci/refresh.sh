#!/bin/sh
# Finds the pools, renders, and opens a pull request if the rendered directories have changed. Runs in a clone that may
# push to `origin`.
#
#   FORGE   github (with gh) or gitlab (with its push options)
#   BASE    the branch that Argo CD or Flux syncs; default: main
#   BRANCH  the branch of the pull request; default: largescale/refresh
#   APPS    the directory of the specs; default: .
set -eu
base=${BASE:-main}
branch=${BRANCH:-largescale/refresh}
case ${FORGE:-} in
github | gitlab) ;;
*)
    echo "FORGE is \`${FORGE:-}\`, expected github or gitlab" >&2
    exit 2
    ;;
esac
summary=$(mktemp)
trap 'rm -f "$summary"' EXIT

git fetch --quiet origin "+refs/heads/$base:refs/remotes/origin/$base"
git switch --quiet --force-create "$branch" "origin/$base"

# If render refuses an app or a cluster, such as one that seems to have lost half of its pools, the others are still
# reviewed. The job fails at the end.
status=0
kubectl largescale render --file "${APPS:-.}" --recursive --commit --summary-file "$summary" || status=$?
test -z "${GITHUB_STEP_SUMMARY:-}" || cat "$summary" >>"$GITHUB_STEP_SUMMARY"

if git diff --quiet "origin/$base" HEAD; then
    echo "no changes"
    exit "$status"
fi
# Another push of the same content would only send mails.
if git fetch --quiet origin "+refs/heads/$branch:refs/remotes/origin/$branch" 2>/dev/null &&
    git diff --quiet "origin/$branch" HEAD && git merge-base --is-ancestor "origin/$base" "origin/$branch"; then
    echo "the pull request already exists"
    exit "$status"
fi
title="kubectl largescale: the node pools have changed"
case $FORGE in
github)
    git push --quiet --force origin "$branch"
    if test "$(gh pr view "$branch" --json state --jq .state 2>/dev/null)" = OPEN; then
        gh pr edit "$branch" --body-file "$summary"
    else
        gh pr create --base "$base" --head "$branch" --title "$title" --body-file "$summary"
    fi
    ;;
gitlab)
    git push --quiet --force origin "$branch" \
        --push-option=merge_request.create \
        --push-option="merge_request.target=$base" \
        --push-option="merge_request.title=$title" \
        --push-option=merge_request.remove_source_branch
    cat "$summary"
    ;;
esac
exit "$status"
