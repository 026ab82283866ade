"""Questions about the past: `answer` gives rows, and leaves the machine where it is."""

from ttd.search.answer import answer
from ttd.search.others import Pool
from ttd.search.question import Question, QuestionError, Range, Row, What
from ttd.search.scan import Interrupted

__all__ = ["Interrupted", "Pool", "Question", "QuestionError", "Range", "Row", "What", "answer"]
