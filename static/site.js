/*
 * What JavaScript adds to pages that work without it. Loaded in the head, so that the page is drawn
 * once, with the class js-enabled already set. Components of the design system are fetched only by
 * pages that hold one, and are started one by one: its initAll() would also start tracking.
 */
document.documentElement.classList.add('js-enabled');

document.addEventListener('DOMContentLoaded', () => {
    const all = selector => Array.from(document.querySelectorAll(selector));

    // The Menu button of small screens.
    all('.site-menu-button').forEach(button => {
        const menu = document.getElementById(button.getAttribute('aria-controls'));
        button.addEventListener('click', () => {
            const open = menu.classList.toggle('ds_site-navigation--open');
            button.classList.toggle('ds_site-header__control--active', open);
            button.setAttribute('aria-expanded', String(open));
        });
    });

    // The error summary comes first: for keyboards, screen readers and screen magnifiers.
    const summary = document.getElementById('error-summary');
    if (summary) {
        summary.focus();
    }

    // Links of the error summary lead to the field and put the cursor in it.
    all('.ds_error-summary__list a').forEach(link => link.addEventListener('click', event => {
        const field = document.getElementById(link.hash.slice(1));
        if (field) {
            event.preventDefault();
            const question = field.closest('.ds_question');
            (question || field).scrollIntoView();
            field.focus({ preventScroll: true });
        }
    }));

    all('[data-print]').forEach(button => {
        button.hidden = false;
        button.addEventListener('click', () => window.print());
    });

    if (navigator.clipboard) {
        all('[data-copy]').forEach(button => {
            const field = document.getElementById(button.dataset.copy);
            const done = document.querySelector(`[data-copy-done="${button.dataset.copy}"]`);
            button.hidden = false;
            button.addEventListener('click', async () => {
                field.select();
                try {
                    await navigator.clipboard.writeText(field.value);
                    done.textContent = 'Copied';
                } catch {
                    done.textContent = 'The address is selected: copy it with your keyboard';
                }
            });
        });
    }

    if (document.querySelector('[data-module]')) {
        import('./design-system.js').then(({ default: DS }) => startComponents(DS.components));
    }

    function startComponents(components) {
        const start = (name, Component) => all(`[data-module="${name}"]`).forEach(element => new Component(element).init());
        start('ds-accordion', components.Accordion);
        start('ds-checkboxes', components.Checkboxes);
        start('ds-datepicker', components.DatePicker);
        start('ds-side-navigation', components.SideNavigation);
        all('[data-module="ds-character-count"]').forEach(element => {
            const field = element.querySelector('textarea');
            const said = element.querySelector('.site-count-message');
            if (said) {
                // The component says the same in its own words; the fixed sentence is for pages without JavaScript.
                const others = (field.getAttribute('aria-describedby') || '').split(' ').filter(id => id && id !== said.id);
                others.length ? field.setAttribute('aria-describedby', others.join(' ')) : field.removeAttribute('aria-describedby');
                said.remove();
            }
            new components.CharacterCount(element).init();
        });
    }
});
