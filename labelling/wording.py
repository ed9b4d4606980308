"""Every sentence that a labeller reads, in one place: a language of its own is one more `Wording`.

Nothing here may hint at the purpose: no classifier, no change to a picture, no right answer. What a
study's owner writes (information, instructions, debrief) stands in the study, not here.
"""

from __future__ import annotations

from dataclasses import dataclass

from labelling.answers import SENTENCES


@dataclass(frozen=True)
class Wording:
    """The sentences of one language; what stands in braces is filled in.

    `options` are the four answers in the order of their keys. Where the panels stand one under
    the other, `ask_first` and `ask_second` replace `ask_left` and `ask_right`. `information`,
    `instructions` and `debrief` stand where a study's owner has written nothing.
    """

    options: tuple[str, ...]

    # The task
    ask_left: str
    ask_right: str
    ask_first: str
    ask_second: str
    left: str
    right: str
    not_yet: str
    place: str
    practice_place: str
    pace: str
    unsure: str
    search: str
    gloss: str
    undo: str
    undo_last: str
    comment: str
    comment_title: str
    comment_save: str
    cancel: str
    help_title: str
    help: tuple[str, ...]
    help_close: str
    leave: str
    rest_title: str
    rest: str
    go_on: str

    # Before and after
    information_title: str
    information: str
    agree: str
    decline: str
    instructions_title: str
    instructions: str
    practice: str
    start: str
    unqualified_title: str
    unqualified: str
    purpose_title: str
    purpose: str
    purpose_answer: str
    purpose_send: str
    end_title: str
    end: str
    closed: str
    later_title: str
    later: str
    look_again: str
    code: str
    debrief_title: str
    debrief: str
    withdraw_title: str
    withdraw: str
    withdraw_yes: str
    withdraw_no: str
    withdrawn_title: str
    withdrawn: str

    # When something is wrong
    slow: str
    not_stored: str
    comment_not_stored: str
    comment_too_long: str
    not_plain: str
    holds_markup: str
    holds_script: str
    holds_statement: str
    not_undone: str
    too_late: str
    not_saved: str
    not_available: str
    not_invited: str
    invitation_unknown: str
    session_ended: str
    unavailable: str
    not_found: str
    wrong_address: str
    too_large: str


ENGLISH = Wording(
    options=tuple(SENTENCES.values()),
    ask_left="Which describes the image on the left best?",
    ask_right="… and the image on the right?",
    ask_first="Which describes this image best?",
    ask_second="… and this image?",
    left="Image on the left",
    right="Image on the right",
    not_yet="(not yet)",
    place="{place} of {total}",
    practice_place="Practice: {place} of {total}",
    pace="about {minutes} min left",
    unsure="Not sure what {phrase} looks like?",
    search="Search the web for images",
    gloss="What is meant",
    undo="Undo",
    undo_last="Undo my last answer",
    comment="Comment",
    comment_title="Your comment on this item",
    comment_save="Save",
    cancel="Cancel",
    help_title="Help",
    help=(
        "Look at the image, then choose the sentence that describes it best: press 1, 2, 3 or 4, "
        "or click the sentence. Sometimes a second image joins the first; judge it by itself.",
        "There is no right or wrong answer: say what you see. Your answer is saved at once, and "
        "the next image follows. Undo, or the Backspace key, takes your last answer back, as long "
        "as no second image has followed it.",
        "You may stop at any time. Open the same link again to go on where you stopped.",
    ),
    help_close="Close",
    leave="Withdraw from the study …",
    rest_title="Time for a short break",
    rest="You have done {done} of {total}. Look away from the screen for a moment.",
    go_on="Go on",
    information_title="About this study",
    information=(
        "You will look at images and say what they show. Your answers and the time they took are "
        "stored under a number, without your name. Taking part is voluntary: you may stop at any "
        "time, and you may withdraw, after which your answers are not used."
    ),
    agree="I have read this and agree to take part",
    decline="If you do not agree, simply close this page.",
    instructions_title="What to do",
    instructions=(
        "For each image, choose the sentence that describes it best: press 1, 2, 3 or 4, or click "
        "the sentence. There is no right or wrong answer: say what you see."
    ),
    practice="You begin with practice. Items for practice: {count}.",
    start="Start",
    unqualified_title="Thank you!",
    unqualified="That was the practice. There are no further images for you in this study.",
    purpose_title="One last question",
    purpose="What do you think this study was for? You may leave this empty.",
    purpose_answer="Your answer",
    purpose_send="Continue",
    end_title="Thank you!",
    end="You are done, and all your answers are saved. You may close this page.",
    closed="This study has ended, and all your answers are saved. You may close this page.",
    later_title="Nothing to do at the moment",
    later="Others are working on what is left. Please look again in a few minutes.",
    look_again="Look again",
    code="Your code",
    debrief_title="What this was about",
    debrief="If you want to know more about this study, ask the person who invited you.",
    withdraw_title="Withdraw from the study?",
    withdraw="None of your answers will be used, and you cannot take part in this study again.",
    withdraw_yes="Withdraw",
    withdraw_no="Back to the study",
    withdrawn_title="You have withdrawn",
    withdrawn="None of your answers will be used. You may close this page.",
    slow="Your answer is still being saved. Please keep this page open.",
    not_stored="Your answer could not be saved. Please choose it again in a moment.",
    comment_not_stored="Your comment could not be saved. Please save it again in a moment.",
    comment_too_long="Your comment is too long: at most {longest} characters can be saved.",
    not_plain="Your text was not saved: it has {found} in it. Please write it in plain words.",
    holds_markup="the code of a web page",
    holds_script="the code of a script",
    holds_statement="a command to a database",
    not_saved="This could not be saved. Please try again in a moment.",
    not_undone="This answer can no longer be undone.",
    too_late="Your last answer came too late and was not counted. Please go on with what follows.",
    not_available="The next image cannot be shown. Please tell the person who invited you.",
    not_invited="This page needs an invitation. Open the link that you were sent.",
    invitation_unknown=(
        "This link is not valid, or not any more. Ask the person who sent it for a new one."
    ),
    session_ended="Your visit has ended. Open the link that you were sent again, or sign in again.",
    unavailable="This page is not available at the moment. Please try again later.",
    not_found="Not found.",
    wrong_address="This address is not served here.",
    too_large="This is too large.",
)

#: By the code that a study stores. Add a language here, and nowhere else.
LANGUAGES: dict[str, Wording] = {"en": ENGLISH}


def wording(language: str) -> Wording:
    """The sentences of a study's language; English where nobody has written them yet."""
    return LANGUAGES.get(language, ENGLISH)
