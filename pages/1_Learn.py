"""The lecture, topic by topic: an idea to try out on real images, a question, and the way to a real network."""

from importlib import import_module

import streamlit as st

from cnn.ui import preload, shell

run = shell.page("Lessons", "Twelve interactive lessons with every number written out.")
shell.require_model(run)
with st.spinner(preload.LOADING):
    preload.tensorflow()
    from cnn.ui import models
    from cnn.ui.learn import controls, given, lessons

    network = models.load(run)

controls.begin()
lesson = lessons.choose()
words, demo, below = lessons.columns()
with words:
    lessons.introduce(lesson, run)
    on = given.ask(run, network, lesson.numbers) if lesson.picture else None
    link = st.container()
if on or not lesson.picture:
    with demo:
        import_module(f"cnn.ui.learn.{lesson.name}").show(run, network, on, below)
with link:
    lessons.share(lesson, run)
lessons.ask(lesson)
lessons.onwards(lesson)
