"""The questions of the lessons, made again each time, with their answers, misconceptions and workings.

Knows arithmetic and LaTeX; knows neither Streamlit nor what a visitor has answered.
"""

from cnn.lessons.questions.question import LEAKY_SLOPE, Question
from cnn.lessons.questions.topics import TOPICS, ask

__all__ = ["LEAKY_SLOPE", "TOPICS", "Question", "ask"]
